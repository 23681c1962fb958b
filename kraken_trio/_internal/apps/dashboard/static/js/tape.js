// The trades of the pair that is looked at, newest first.

import { byId, make } from "./dom.js";
import { clock } from "./format.js";

const SIDES = { buy: "▲ buy", sell: "▼ sell" };
const ROWS = 40;

export function tape({ model, painter }) {
  const body = byId("tape");
  let shown = []; // Newest first, as the rows are.

  painter.on(["trades", "look"], () => {
    const wanted = model.trades.slice(-ROWS).reverse();
    // As a rule some came on top; then the others stay where they are.
    const first = shown[0];
    const fresh = first === undefined ? wanted.length : wanted.indexOf(first);
    if (fresh < 0 || shown.length === 0) {
      body.replaceChildren();
      shown = [];
    }
    const rows = wanted
      .slice(0, fresh < 0 ? wanted.length : fresh)
      .map((trade) =>
        make(
          "tr",
          { class: trade.side, "data-id": trade.id, title: trade.type ?? null },
          make("td", {}, clock(trade.time), make("span", { class: "ms" }, clock(trade.time, true).slice(8))),
          make("td", {}, SIDES[trade.side] ?? trade.side),
          make("td", {}, trade.price),
          make("td", {}, trade.qty),
        ),
      );
    body.prepend(...rows);
    while (body.childElementCount > wanted.length) body.lastChild.remove();
    shown = wanted;
  });
}
