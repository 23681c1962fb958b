// What the user of this page chose: the server forgets it with the connection, so it is said again.

export class Wishes {
  #kept = null;
  frames = null;

  /** Note what holds now. */
  remember(model) {
    this.#kept = {
      pairs: [...model.pairs],
      look: model.look,
      alerts: model.alerts.filter((alert) => alert.fired === null),
    };
  }

  /** Give the requests that bring it back, upon what a new connection starts with. */
  requests(hello) {
    const requests = [];
    if (this.#kept !== null) {
      const { pairs, look, alerts } = this.#kept;
      const wanted = (symbol) => pairs.includes(symbol);
      for (const symbol of hello.pairs) if (!wanted(symbol)) requests.push({ type: "remove", symbol });
      for (const symbol of pairs) if (!hello.pairs.includes(symbol)) requests.push({ type: "add", symbol });
      if (look !== null) requests.push({ type: "look", ...look });
      for (const { symbol, when, price } of alerts) requests.push({ type: "alert_add", symbol, when, price });
    }
    if (this.frames !== null) requests.push(this.frames);
    return requests;
  }
}
