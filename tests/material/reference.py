"""Netting and Shapley shares once more, in plain Python on buckets, sharing nothing with the product: the oracle."""

from __future__ import annotations

import itertools
import math
import random
from typing import Any

Case = dict[str, Any]
HORIZON = 14
NEVER = HORIZON + 1
NOW = 1


def releases_and_needs(case: Case) -> tuple[dict[str, list[tuple[int, int]]], dict[str, int]]:
    """Planned releases (bucket, qty) per item and need bucket per open order, by full netting top-down."""
    items = case["items"]
    releases: dict[str, list[tuple[int, int]]] = {}
    needs: dict[str, int] = {}
    for name in items:  # listed parents first
        item = items[name]
        gross: dict[int, int] = {}
        for t, q in item["gross"].items():
            gross[t] = gross.get(t, 0) + q
        for parent, per in item["parents"].items():
            for t, q in releases[parent]:
                gross[t] = gross.get(t, 0) + q * per
        usable = item["oh"] - item["ss"]
        axis = range(min([NOW, *gross]), HORIZON + 1)
        cumulative = list(itertools.accumulate(gross.get(t, 0) for t in axis))
        ahead = usable
        orders = sorted(enumerate(item["opens"]), key=lambda x: (x[1]["due"], x[0]))
        for _, order in orders:
            needs[order["id"]] = next((t for t, c in zip(axis, cumulative, strict=True) if c > ahead), NEVER)
            ahead += max(order["qty"], 0)
        net, covered = {}, 0
        for t, c in zip(axis, cumulative, strict=True):
            short = max(c - ahead, 0) - covered
            if short > 0:
                net[t] = short
                covered += short
        releases[name] = [(t - item["lt"], q) for t, q in lots(net, item["rule"])]
    return releases, needs


def lots(net: dict[int, int], rule: dict[str, Any]) -> list[tuple[int, int]]:
    """Lots by receipt bucket."""
    made, carry = [], 0
    days = sorted(net)
    i = 0
    while i < len(days):
        need = net[days[i]] - carry
        if need <= 0:
            carry -= net[days[i]]
            i += 1
            continue
        j = i + 1
        if rule["kind"] == "POQ":
            while j < len(days) and days[j] < days[i] + rule["periods"]:
                need += net[days[j]]
                j += 1
        lot = need
        if rule["kind"] == "FOQ":
            lot = math.ceil(need / rule["qty"]) * rule["qty"]
        elif rule["kind"] == "MIN":
            lot = max(need, rule["qty"])
        made.append((days[i], lot))
        carry = lot - need
        i = j
    return made


def with_events(case: Case, categories: set[str]) -> Case:
    """The case with the events of these categories made."""
    changed = {
        "items": {
            name: {**item, "gross": dict(item["gross"]), "opens": [dict(o) for o in item["opens"]]}
            for name, item in case["items"].items()
        }
    }
    for e in case["events"]:
        if e["cat"] not in categories:
            continue
        item, op, args = changed["items"][e["item"]], e["op"], e["args"]
        if op in ("oh", "ss", "lt"):
            item[op] += args
        elif op == "gross":
            item["gross"][args[0]] = item["gross"].get(args[0], 0) + args[1]
        elif op in ("open_qty", "open_due"):
            order = next(o for o in item["opens"] if o["id"] == args[0])
            if op == "open_qty":
                order["qty"] += args[1]
            else:
                order["due"] = args[1]
        elif op == "rule":
            item["rule"] = args
        elif op == "bom":
            item["parents"] = dict(args)
    return changed


def shares(case: Case) -> dict[str, tuple[int, int, int, int, dict[str, float]]]:
    """Per order: need and due before, need and due now, and the Shapley share of need − due per category."""
    categories = sorted({e["cat"] for e in case["events"]})
    values: dict[frozenset[str], dict[str, tuple[int, int]]] = {}
    for size in range(len(categories) + 1):
        for chosen in itertools.combinations(categories, size):
            state = with_events(case, set(chosen))
            needs = releases_and_needs(state)[1]
            due = {o["id"]: o["due"] for item in state["items"].values() for o in item["opens"]}
            values[frozenset(chosen)] = {o: (needs[o], due[o]) for o in needs}
    k = len(categories)
    found = {}
    for order in values[frozenset()]:
        share = {}
        for c in categories:
            total = 0.0
            for subset, value in values.items():
                if c in subset:
                    continue
                weight = math.factorial(len(subset)) * math.factorial(k - len(subset) - 1) / math.factorial(k)
                after, before = values[subset | {c}][order], value[order]
                total += weight * ((after[0] - after[1]) - (before[0] - before[1]))
            share[c] = total
        first, last = values[frozenset()][order], values[frozenset(categories)][order]
        found[order] = (*first, *last, share)
    return found


def gap_moved(case: Case) -> dict[str, int]:
    """Per order, how far all events together move need − due."""
    found: dict[str, int] = {}
    for chosen, sign in ((set(), -1), ({e["cat"] for e in case["events"]}, 1)):
        state = with_events(case, chosen)
        needs = releases_and_needs(state)[1]
        for item in state["items"].values():
            for o in item["opens"]:
                found[o["id"]] = found.get(o["id"], 0) + sign * (needs[o["id"]] - o["due"])
    return found


def amplifiers(case: Case, reached: set[str]) -> dict[str, str]:
    """Orders asked for sooner that would not be, were the `reached` items lot-for-lot instead of what the name says."""
    left = {o for o, moved in gap_moved(case).items() if moved < 0}
    found: dict[str, str] = {}
    for name, kind in (("DYNAMIC_LOT_SIZING", "POQ"), ("MIN_ORDER", "MIN")):
        items = {
            key: {**item, "rule": {"kind": "LFL"}} if key in reached and item["rule"]["kind"] == kind else item
            for key, item in case["items"].items()
        }
        still = {o for o, moved in gap_moved({**case, "items": items}).items() if moved < 0}
        found.update(dict.fromkeys(left - still, name))
        left &= still
    return found


CATEGORIES = (
    "MPS_CHANGE", "SCRAP", "RECORD_ERROR", "LEAD_TIME_CHANGE", "SAFETY_STOCK_CHANGE", "UNPLANNED_TXN", "LOT_SIZE_CHANGE",
    "VENDOR_FALLDOWN", "ENGINEERING_CHANGE",
)  # fmt: skip


def random_rule(rng: random.Random) -> dict[str, Any]:
    kind = rng.choice(["LFL", "LFL", "FOQ", "MIN", "POQ"])
    return {"kind": kind, "qty": rng.choice([15, 20, 25]), "periods": 3}


def random_case(seed: int, prefix: str = "") -> Case:
    """Three to seven items, parents first, shared components; two to six events, of six categories at most."""
    rng = random.Random(seed)
    n = rng.randint(3, 7)
    items: dict[str, Any] = {}
    for i in range(n):
        name = f"{prefix}I{i}"
        above = rng.sample(range(i), min(i, rng.randint(1, 2))) if i else []
        top = i == 0 or rng.random() < 0.3
        items[name] = {
            "oh": rng.randint(0, 30), "ss": rng.choice([0, 0, 5]), "lt": rng.randint(0, 3), "rule": random_rule(rng),
            "gross": {t: rng.randint(0, 20) for t in range(1, HORIZON - 1)} if top else {},
            "opens": [
                {"id": f"{name}-{k}", "due": rng.randint(1, 9), "qty": rng.randint(5, 38)} for k in range(rng.randint(0, 2))
            ],
            "parents": {f"{prefix}I{p}": rng.randint(1, 2) for p in above},
        }  # fmt: skip
    allowed = rng.sample(CATEGORIES, min(6, len(CATEGORIES)))
    events = []
    for k in range(rng.randint(2, 6)):
        i = rng.randrange(n)
        name = f"{prefix}I{i}"
        op, args = random_operation(rng, items, i, prefix)
        category = rng.choice(allowed)
        if op == "bom":  # one change decides a component's parents
            category = "ENGINEERING_CHANGE"
            if any(e["op"] == "bom" and e["item"] == name for e in events):
                op, args = "oh", -3
        events.append({"id": f"{prefix}e{k}", "cat": category, "item": name, "op": op, "args": args})
    if len({e["cat"] for e in events}) > 6:
        events = events[:5]
    return {"items": items, "events": events}


def random_operation(rng: random.Random, items: dict[str, Any], i: int, prefix: str) -> tuple[str, Any]:  # noqa: PLR0911 - one return per operation
    """An operation and its arguments that make sense for item `i`."""
    opens = items[f"{prefix}I{i}"]["opens"]
    choices = ["oh", "ss", "lt", "rule"]
    if items[f"{prefix}I{i}"]["gross"]:
        choices += ["gross"] * 3
    if opens:
        choices += ["open_qty", "open_due", "open_due"]
    if i > 1:
        choices += ["bom"]
    op = rng.choice(choices)
    if op in ("oh", "ss"):
        return op, rng.choice([-6, -5, -3, 4, 8, 12]) if op == "oh" else rng.choice([3, 8])
    if op == "lt":
        return op, 1
    if op == "rule":
        return op, random_rule(rng)
    if op == "gross":
        t = rng.choice(list(items[f"{prefix}I{i}"]["gross"]))
        have = items[f"{prefix}I{i}"]["gross"][t]
        return op, [t, rng.choice([15, 9, 4, -min(have, 4)])]
    if op == "open_qty":
        return op, [rng.choice(opens)["id"], rng.choice([-4, -3, 5])]
    if op == "open_due":
        return op, [rng.choice(opens)["id"], rng.randint(1, 10)]
    above = rng.sample(range(i), min(i, rng.randint(1, 2)))
    return "bom", {f"{prefix}I{p}": rng.randint(1, 3) for p in above}
