// What went wrong, and how it was mended: newest first.

import { byId, make } from "./dom.js";
import { clock } from "./format.js";

const ROWS = 150;
const SHAPES = { info: "·", warn: "▲", bad: "■" };

function row(line) {
  const of = [line.symbol, line.channel].filter((part) => part !== null && part !== undefined).join(" ");
  return make(
    "li",
    { "data-kind": line.kind, "data-severity": line.severity },
    make("time", {}, clock(line.time)),
    make("span", { class: "kind" }, `${SHAPES[line.severity] ?? "·"} ${line.kind}`),
    make("span", { class: "text" }, of === "" ? "" : make("b", {}, `${of} `), line.text, line.detail ? make("small", {}, line.detail) : ""),
  );
}

export function log({ model, painter, say }) {
  const kind = byId("log-kind");
  const list = byId("lines");
  let shown = null; // Since which line, and of which kind.

  function paint() {
    const wanted = model.log.filter((line) => kind.value === "" || line.kind === kind.value).slice(-ROWS);
    const newest = shown !== null && shown.kind === kind.value ? shown.n : -Infinity;
    const again = wanted.length === 0 || newest > wanted.at(-1).n || !wanted.some((line) => line.n === newest);
    const fresh = again ? wanted : wanted.filter((line) => line.n > newest);
    if (again) list.replaceChildren();
    list.prepend(...fresh.map(row).reverse());
    while (list.childElementCount > Math.max(wanted.length, 1)) list.lastChild.remove();
    if (wanted.length === 0) list.replaceChildren(make("li", { class: "empty" }, "Nothing so far."));
    if (!again) for (const line of fresh) if (line.kind === "alert") say(`${line.symbol ?? ""} ${line.text}`);
    shown = { kind: kind.value, n: wanted.at(-1)?.n ?? -Infinity };
  }

  kind.addEventListener("change", paint);
  painter.on(["log"], paint);
}
