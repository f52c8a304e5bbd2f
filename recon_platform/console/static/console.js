// Keys for those who work without a mouse: g then a letter goes to a page, / to the search. Nothing else runs here.
(() => {
  "use strict";
  const pages = { t: "today", c: "changes", d: "decisions", s: "schedule", l: "dispatch", b: "backlog", m: "material", p: "capacity", w: "what-if", v: "value", r: "rules", a: "audit", u: "users" };
  let waiting = false;
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") {
      const search = document.querySelector("input[type=search]");
      if (search) { event.preventDefault(); search.focus(); }
      return;
    }
    if (waiting && pages[event.key]) {
      const link = document.querySelector(`.side a[href$="/${pages[event.key]}"]`);
      if (link) { event.preventDefault(); link.click(); }
    }
    waiting = event.key === "g";
    if (waiting) setTimeout(() => { waiting = false; }, 1000);
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) window.print();
  });
})();
