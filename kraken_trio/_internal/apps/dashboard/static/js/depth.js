// How much is on offer up to which price: both sides of the book, as steps.

import { byId, draw, make, mark, put } from "./dom.js";
import { running } from "./decimal.js";

const WIDTH = 300;
const HEIGHT = 84;

export function depth({ model, painter }) {
  const sides = { bids: draw("path", { class: "bids" }), asks: draw("path", { class: "asks" }) };
  const picture = draw(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": "Depth of the book" },
    sides.bids,
    sides.asks,
    draw("path", { class: "mid", d: `M${WIDTH / 2} 0V${HEIGHT}` }),
  );
  const labels = [make("span"), make("span"), make("span")];
  byId("depth").append(picture, make("p", { class: "depth-labels", "aria-hidden": "true" }, ...labels));

  function steps(levels, totals, x, most) {
    if (levels.length === 0) return "";
    const y = (total) => (HEIGHT - (total / most) * (HEIGHT - 6)).toFixed(1);
    let path = `M${x(Number(levels[0][0]))} ${HEIGHT}`;
    levels.forEach(([price], index) => {
      path += `H${x(Number(price))}V${y(Number(totals[index]))}`;
    });
    const edge = x(Number(levels.at(-1)[0])) < WIDTH / 2 ? 0 : WIDTH;
    return `${path}H${edge}V${HEIGHT}Z`;
  }

  painter.on(["book", "look"], () => {
    const { bids = [], asks = [], mid = null } = model.book ?? {};
    const middle = Number(mid);
    if (mid === null || bids.length === 0 || asks.length === 0) {
      for (const path of Object.values(sides)) mark(path, "d", "");
      for (const label of labels) put(label, "");
      mark(picture, "aria-label", "Depth of the book: no book yet");
      return;
    }
    const reach = Math.max(middle - Number(bids.at(-1)[0]), Number(asks.at(-1)[0]) - middle) || 1;
    const x = (price) => ((price - middle + reach) / (2 * reach)) * WIDTH;
    const totals = { bids: running(bids.map(([, qty]) => qty)), asks: running(asks.map(([, qty]) => qty)) };
    const most = Math.max(Number(totals.bids.at(-1)), Number(totals.asks.at(-1))) || 1;
    mark(sides.bids, "d", steps(bids, totals.bids, x, most));
    mark(sides.asks, "d", steps(asks, totals.asks, x, most));
    put(labels[0], bids.at(-1)[0]);
    put(labels[1], mid);
    put(labels[2], asks.at(-1)[0]);
    mark(
      picture,
      "aria-label",
      `Depth of the book: ${totals.bids.at(-1)} bid down to ${bids.at(-1)[0]}, ${totals.asks.at(-1)} asked up to ${asks.at(-1)[0]}`,
    );
  });
}
