// A Gantt on a canvas. Rows are machines or orders; operations lie sorted by start in each row, so that only those in
// sight are looked at when it is drawn. Dragging to another machine proposes a pin; nothing is ever changed silently.
(() => {
  "use strict";
  const box = document.querySelector(".gantt");
  if (!box) return;
  const canvas = document.getElementById("gantt"), told = document.getElementById("told"), pin = document.getElementById("pin"), effect = document.getElementById("effect");
  const pen = canvas.getContext("2d");
  const HEAD = 36, LABEL = 128, ROW = 24;
  const PALETTE = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#b8a900", "#7a7a7a"]; // Okabe and Ito
  let data, clock, pegged = new Set(), rows, from = 0, perPixel = 10, top = 0, width = 0, height = 0, chosen = -1, hovered = -1, drag = null, pending = false, style = {};

  const theme = () => {
    const css = getComputedStyle(document.documentElement);
    for (const name of ["sheet", "ink", "quiet", "line", "head", "accent", "amber", "red"]) style[name] = css.getPropertyValue("--" + name).trim();
  };
  const x = (minute) => LABEL + (minute - from) / perPixel;
  const local = (minute) => new Date(Date.parse(data.epoch) + minute * 60000);
  const said = (minute) => clock.format(local(minute));

  function arrange() {
    const by = document.getElementById("rows").value, op = data.op, count = op.start.length;
    const names = by === "machine" ? data.lanes.map((lane) => lane.machine) : data.orders;
    rows = names.map((name) => ({ name, ops: [] }));
    const key = by === "machine" ? op.lane : op.order;
    for (let i = 0; i < count; i += 1) rows[key[i]].ops.push(i);
    top = 0;
  }
  function colour(i) {
    const by = document.getElementById("colour").value, op = data.op;
    if (by === "late") return op.late[i] > 24 ? PALETTE[5] : op.late[i] > 0 ? PALETTE[1] : PALETTE[0];
    if (by === "changed") return op.changed[i] ? PALETTE[1] : PALETTE[7];
    if (by === "waits") return PALETTE[op.waits[i]];
    const value = by === "cls" ? op.cls[i] : op.item[i];
    return value < 0 ? PALETTE[7] : PALETTE[value % 7];
  }
  function legend() {
    const by = document.getElementById("colour").value;
    const entries = by === "late" ? [["in time", PALETTE[0]], ["late", PALETTE[1]], ["more than a day late", PALETTE[5]]]
      : by === "changed" ? [["changed", PALETTE[1]], ["as in force", PALETTE[7]]]
      : by === "waits" ? data.waits.map((name, i) => [name, PALETTE[i]])
      : by === "cls" ? [...data.classes.map((name, i) => [name, PALETTE[i % 7]]), ["none", PALETTE[7]]]
      : [["one colour per item, seven in turn", PALETTE[0]]];
    const place = document.getElementById("legend");
    place.replaceChildren(...entries.map(([name, fill]) => {
      const item = document.createElement("span"), mark = document.createElement("canvas");
      mark.width = 12; mark.height = 12; const ink = mark.getContext("2d"); ink.fillStyle = fill; ink.fillRect(0, 0, 12, 12);
      item.append(mark, " " + name); return item;
    }));
  }
  function draw() {
    pending = false;
    const started = performance.now(), op = data.op, until = from + (width - LABEL) * perPixel;
    pen.fillStyle = style.sheet; pen.fillRect(0, 0, width, height);
    const first = Math.max(0, Math.floor(top / ROW)), last = Math.min(rows.length, Math.ceil((top + height - HEAD) / ROW));
    pen.save(); pen.beginPath(); pen.rect(LABEL, HEAD, width - LABEL, height - HEAD); pen.clip();
    if (document.getElementById("rows").value === "machine") {
      pen.fillStyle = style.head;
      for (const [lane, start, end] of data.shifts) if (lane >= first && lane < last && end > from && start < until) pen.fillRect(x(start), HEAD + lane * ROW - top, (end - start) / perPixel, ROW);
      pen.strokeStyle = style.quiet;
      for (const [lane, start, end] of data.stops) if (lane >= first && lane < last && end > from && start < until) {
        const y = HEAD + lane * ROW - top, left = Math.max(LABEL, x(start)), right = Math.min(width, x(end));
        pen.save(); pen.beginPath(); pen.rect(left, y, right - left, ROW); pen.clip(); pen.beginPath();
        for (let at = left - ROW; at < right; at += 6) { pen.moveTo(at, y + ROW); pen.lineTo(at + ROW, y); }
        pen.stroke(); pen.restore();
      }
    }
    for (let r = first; r < last; r += 1) {
      const y = HEAD + r * ROW - top, ops = rows[r].ops;
      let low = 0, high = ops.length;
      while (low < high) { const mid = (low + high) >> 1; if (op.end[ops[mid]] < from) low = mid + 1; else high = mid; }
      let painted = -1;
      for (let k = low; k < ops.length; k += 1) {
        const i = ops[k];
        if (op.start[i] > until) break;
        const left = x(op.start[i]), right = Math.max(left + 1, x(op.end[i]));
        if (right < painted + 1 && i !== chosen) continue; // less than a pixel beside the last one
        if (op.setup[i] < op.start[i]) { pen.fillStyle = style.ink; pen.fillRect(x(op.setup[i]), y + 9, left - x(op.setup[i]), 6); }
        pen.globalAlpha = chosen >= 0 && !pegged.has(op.order[i]) ? 0.25 : 1;
        pen.fillStyle = colour(i); pen.fillRect(left, y + 3, right - left - (right - left > 3 ? 1 : 0), ROW - 6);
        pen.globalAlpha = 1;
        if (i === chosen || i === hovered) { pen.strokeStyle = style.ink; pen.lineWidth = 2; pen.strokeRect(left, y + 2, right - left, ROW - 4); pen.lineWidth = 1; }
        painted = right;
      }
    }
    for (const [minute, ink, dash] of [[data.now, style.red, []], [data.fence, style.accent, [6, 4]]]) {
      pen.strokeStyle = ink; pen.lineWidth = 2; pen.setLineDash(dash); pen.beginPath(); pen.moveTo(x(minute), HEAD); pen.lineTo(x(minute), height); pen.stroke();
    }
    pen.setLineDash([]); pen.lineWidth = 1; pen.restore();
    scale(until);
    pen.fillStyle = style.sheet; pen.fillRect(0, HEAD, LABEL, height - HEAD);
    pen.fillStyle = style.ink; pen.font = "12px system-ui, sans-serif";
    for (let r = first; r < last; r += 1) pen.fillText(rows[r].name, 8, HEAD + r * ROW - top + 16, LABEL - 12);
    pen.fillStyle = style.sheet; pen.fillRect(0, 0, LABEL, HEAD);
    if (drag && drag.moved) { pen.fillStyle = style.accent; pen.globalAlpha = 0.7; pen.fillRect(drag.x, drag.y - 9, 60, ROW - 6); pen.globalAlpha = 1; }
    canvas.dataset.redraw = String(performance.now() - started);
    canvas.dataset.draws = String(Number(canvas.dataset.draws || 0) + 1);
  }
  function scale(until) {
    const steps = [60, 120, 360, 720, 1440, 2880, 10080, 20160];
    const step = steps.find((minutes) => minutes / perPixel > 90) || 40320;
    pen.fillStyle = style.head; pen.fillRect(LABEL, 0, width - LABEL, HEAD);
    pen.fillStyle = style.ink; pen.strokeStyle = style.line; pen.font = "12px system-ui, sans-serif";
    for (let minute = Math.floor(from / step) * step; minute < until; minute += step) {
      if (x(minute) < LABEL) continue;
      pen.beginPath(); pen.moveTo(x(minute), 0); pen.lineTo(x(minute), height); pen.stroke();
      pen.fillText(said(minute), x(minute) + 4, 22, step / perPixel - 6);
    }
  }
  const later = () => { if (!pending) { pending = true; requestAnimationFrame(draw); } };
  function size() {
    const ratio = window.devicePixelRatio || 1;
    width = canvas.clientWidth; height = canvas.clientHeight;
    canvas.width = width * ratio; canvas.height = height * ratio; pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    later();
  }
  function at(event) {
    const rect = canvas.getBoundingClientRect(), px = event.clientX - rect.left, py = event.clientY - rect.top;
    const row = Math.floor((py - HEAD + top) / ROW), minute = from + (px - LABEL) * perPixel;
    const found = px < LABEL || !rows[row] ? -1 : rows[row].ops.find((i) => data.op.setup[i] <= minute && data.op.end[i] >= minute);
    return { px, py, row, op: found === undefined ? -1 : found };
  }
  function tell(i) {
    if (i < 0) { told.textContent = "Red line: now. Dashed line: frozen fence. Wheel or + and − zoom, arrows move, click an operation for its reason."; return; }
    const op = data.op, lane = data.lanes[op.lane[i]];
    const late = op.late[i] > 0 ? `, ends ${op.late[i]} hours late` : ", in time";
    const order = document.createElement("a");
    order.href = `${box.dataset.base}/work-orders/${encodeURIComponent(data.orders[op.order[i]])}`;
    order.textContent = data.orders[op.order[i]];
    const others = i !== chosen || pegged.size < 2 ? "" : ` Lit with it: ${pegged.size - 1} ${pegged.size > 2 ? "orders that feed it or that it feeds" : "order that feeds it or that it feeds"}.`;
    told.replaceChildren(order, `, operation ${op.seq[i]} on ${lane.machine}, ${said(op.start[i])} to ${said(op.end[i])}${late}; ${data.bounds[op.bound[i]]}.${others}`);
  }
  function zoom(factor, px) {
    const minute = from + (px - LABEL) * perPixel;
    perPixel = Math.min(200, Math.max(0.25, perPixel * factor));
    from = minute - (px - LABEL) * perPixel;
    later();
  }
  function clamp() { top = Math.max(0, Math.min(top, rows.length * ROW - height + HEAD)); }
  // The order of the operation, what it is made of and what it goes into, through all levels.
  function whole(order) {
    const found = new Set([order]);
    for (const [near, far] of [[0, 1], [1, 0]]) {
      const next = new Map(), line = [order];
      for (const link of data.links) { if (!next.has(link[near])) next.set(link[near], []); next.get(link[near]).push(link[far]); }
      for (let at = line.pop(); at !== undefined; at = line.pop()) for (const other of next.get(at) || []) if (!found.has(other)) { found.add(other); line.push(other); }
    }
    return found;
  }
  function choose(i) {
    chosen = i; pegged = i < 0 ? new Set() : whole(data.op.order[i]); tell(i);
    if (i >= 0) {
      if (x(data.op.start[i]) < LABEL || x(data.op.start[i]) > width - 40) from = data.op.start[i] - 60 * perPixel;
      const row = rows.findIndex((entry) => entry.ops.includes(i)) * ROW;
      if (row < top || row > top + height - HEAD - ROW) { top = row - ROW * 3; clamp(); }
    }
    later();
  }
  function propose(i, row) {
    if (!pin || document.getElementById("rows").value !== "machine" || !data.lanes[row]) return;
    const own = data.lanes[data.op.lane[i]].work_center;
    if (data.lanes[row].work_center !== own) {
      pin.hidden = true; effect.replaceChildren();
      told.textContent = `${data.lanes[row].machine} is no machine of ${own}. Drag within ${own} to keep the operation on a machine.`;
      return;
    }
    const fields = pin.elements;
    fields.work_order.value = data.orders[data.op.order[i]]; fields.operation.value = data.op.seq[i]; fields.machine.value = data.lanes[row].machine;
    pin.hidden = false; fields.reason.focus();
    const asked = { csrf: fields.csrf.value, kind: "pin", work_order: fields.work_order.value, operation: fields.operation.value, machine: fields.machine.value };
    htmx.ajax("POST", `${box.dataset.base}/what-if/try`, { target: "#effect", swap: "innerHTML", values: asked });
  }
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    if (event.shiftKey) { top += event.deltaY; clamp(); later(); } else zoom(event.deltaY > 0 ? 1.2 : 1 / 1.2, at(event).px);
  }, { passive: false });
  canvas.addEventListener("pointerdown", (event) => {
    const hit = at(event);
    drag = { op: hit.op, x: hit.px, y: hit.py, from, top, moved: false, startX: hit.px, startY: hit.py };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const hit = at(event);
    if (!drag) { if (hit.op !== hovered) { hovered = hit.op; if (chosen < 0) tell(hovered); later(); } return; }
    drag.x = hit.px; drag.y = hit.py;
    if (Math.hypot(hit.px - drag.startX, hit.py - drag.startY) > 5) drag.moved = true;
    if (drag.moved && drag.op < 0) { from = drag.from - (hit.px - drag.startX) * perPixel; top = drag.top - (hit.py - drag.startY); clamp(); }
    later();
  });
  canvas.addEventListener("pointerup", (event) => {
    const hit = at(event), was = drag; drag = null;
    if (was && was.moved && was.op >= 0) { choose(was.op); propose(was.op, hit.row); } else if (was && !was.moved) choose(hit.op);
    later();
  });
  canvas.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (move) { from += move[0] * 120 * perPixel; top += move[1] * ROW * 3; clamp(); }
    else if (event.key === "+" || event.key === "=") zoom(1 / 1.5, width / 2);
    else if (event.key === "-") zoom(1.5, width / 2);
    else if (event.key === "n" || event.key === "p") { const next = chosen + (event.key === "n" ? 1 : -1); if (next >= 0 && next < data.op.start.length) choose(next); }
    else if (event.key === "Enter" && chosen >= 0) { told.querySelector("a").click(); return; }
    else if (event.key === "Escape") choose(-1);
    else return;
    event.preventDefault(); later();
  });
  document.getElementById("zoom-in").addEventListener("click", () => zoom(1 / 1.5, width / 2));
  document.getElementById("zoom-out").addEventListener("click", () => zoom(1.5, width / 2));
  document.getElementById("rows").addEventListener("change", () => { arrange(); later(); });
  document.getElementById("colour").addEventListener("change", () => { legend(); later(); });
  if (pin) document.getElementById("pin-no").addEventListener("click", () => { pin.hidden = true; effect.replaceChildren(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { theme(); later(); });
  new ResizeObserver(() => { if (data) size(); }).observe(canvas);
  const begun = performance.now();
  fetch(box.dataset.source).then((answer) => { if (!answer.ok) throw new Error(String(answer.status)); return answer.json(); }).then((found) => {
    data = found;
    clock = new Intl.DateTimeFormat(data.language, { timeZone: data.zone, weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: data.noon ? "h12" : "h23" });
    theme(); arrange(); from = data.now - 480; size(); legend(); tell(-1); draw();
    canvas.dataset.ready = String(performance.now() - begun);
  }).catch(() => { told.textContent = "The schedule could not be loaded; the table below shows the same."; });
})();
