// The order book of the pair that is looked at, level by level: asks above, bids below.

import { byId, make, mark, put } from "./dom.js";
import { running } from "./decimal.js";
import { count, words } from "./format.js";

const ROWS = 12; // Of a side. There are always as many, so that nothing jumps.

function row() {
  const bar = make("span", { class: "bar", "aria-hidden": "true" });
  const cells = [make("td"), make("td"), make("td")];
  const price = make("span");
  cells[0].append(bar, price);
  return {
    node: make("tr", {}, ...cells),
    show(level, total, part) {
      put(price, level?.[0] ?? "");
      put(cells[1], level?.[1] ?? "");
      put(cells[2], total ?? "");
      bar.style.transform = `scaleX(${part})`;
    },
  };
}

export function ladder({ model, painter }) {
  const asks = Array.from({ length: ROWS }, row);
  const bids = Array.from({ length: ROWS }, row);
  byId("asks").append(...asks.map(({ node }) => node).reverse());
  byId("bids").append(...bids.map(({ node }) => node));
  const middle = byId("book-middle");
  const mid = make("strong");
  const spread = make("span");
  const lean = make("span");
  middle.append(mid, spread, lean);
  const state = byId("book-state");

  painter.on(["book", "look"], () => {
    const book = model.book;
    const sides = [
      [asks, book?.asks ?? []],
      [bids, book?.bids ?? []],
    ].map(([rows, levels]) => {
      const shown = levels.slice(0, ROWS);
      return { rows, shown, totals: running(shown.map(([, quantity]) => quantity)) };
    });
    const most = Math.max(...sides.map(({ totals }) => Number(totals.at(-1) ?? 0)), Number.MIN_VALUE);
    for (const { rows, shown, totals } of sides) {
      rows.forEach((view, index) => view.show(shown[index], totals[index], Number(totals[index] ?? 0) / most));
    }
    put(mid, book?.mid ?? "");
    put(spread, book?.spread == null ? "No verified book just now." : `spread ${book.spread}`);
    put(lean, book?.imbalance == null ? "" : `imbalance ${book.imbalance}`);
    const good = book?.state === "synchronised";
    mark(state, "data-state", book === null ? null : good ? "good" : "bad");
    put(
      state,
      book === null
        ? "waiting for a snapshot"
        : `${good ? "✓ " : "! "}${words(book.state)} · ${count(book.verified)} verified` +
            (book.mismatches > 0 ? ` · ${count(book.mismatches)} wrong` : ""),
    );
    mark(state, "title", book === null ? null : `${count(book.verified)} checksums verified, ${count(book.mismatches)} did not match`);
  });
}
