// Exact sums of decimals that are texts.

function parts(text) {
  const [whole, fraction = ""] = text.split(".");
  return [BigInt(whole + fraction), fraction.length];
}

/** Give the running totals of some quantities, none negative: ["1.5", "0.25"] to ["1.5", "1.75"]. */
export function running(quantities) {
  let total = 0n;
  let places = 0;
  return quantities.map((text) => {
    const [digits, fraction] = parts(text);
    if (fraction > places) {
      total *= 10n ** BigInt(fraction - places);
      places = fraction;
    }
    total += digits * 10n ** BigInt(places - fraction);
    const all = total.toString().padStart(places + 1, "0");
    return places === 0 ? all : `${all.slice(0, -places)}.${all.slice(-places)}`;
  });
}
