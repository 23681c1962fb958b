// What the feed subscribed to, for all browsers together.

import { byId, keyed, make, mark, put } from "./dom.js";
import { since, words } from "./format.js";

function row() {
  const pair = make("th", { scope: "row" });
  const [channels, state, held] = [make("td"), make("td"), make("td")];
  const chip = make("span", { class: "chip" });
  state.append(chip);
  return {
    node: make("tr", {}, pair, channels, state, held),
    update(subscription) {
      const live = words(subscription.state) === "live";
      put(pair, subscription.symbol);
      put(channels, subscription.channels.join(", "));
      put(chip, `${live ? "●" : "◐"} ${words(subscription.state)}`);
      mark(chip, "data-kind", live ? "good" : "busy");
      put(held, subscription.since == null ? "–" : since(subscription.since, Date.now()));
    },
  };
}

export function subscriptions({ model, painter }) {
  const show = keyed(row);
  const holder = byId("subscription-rows");
  const none = make("tr", {}, make("td", { colspan: 4, class: "empty" }, "Nothing is subscribed to."));
  painter.on(["subscriptions", "tick"], () => {
    // One pair may stand in several lines, one for each state.
    show(holder, model.subscriptions, ({ symbol, channels }) => `${symbol} ${channels.join()}`);
    if (model.subscriptions.length === 0) holder.append(none);
  });
}
