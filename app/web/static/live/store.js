// What this device keeps of the live card: its key, and the codes of the last answer with what is
// printed beside them, so that the card also opens in a dead spot.
//
// Codes are valid for an hour at most. They go when they are past, when the holder logs out, when
// the service refuses, or when another device shows the card (docs/decisions/0026).

import { database } from "../offline/database.js";

export const inside = database("lerarenkaart-live", 1, (made) => {
  made.createObjectStore("keys");
  made.createObjectStore("card");
});

/** The card as it was kept: {printed, strips, serverAheadMs}; undefined when there is none. */
export async function recallCard() {
  const card = await inside(["card"], "readonly", (stores) => stores.card.get("card"));
  if (!card || isPast(card)) return forgetCard();
  return card;
}

/** Keep a card in the place of the one before. */
export function keepCard(card) {
  return inside(["card"], "readwrite", (stores) => stores.card.put(card, "card"));
}

/** Forget the card; the key of the device stays. */
export function forgetCard() {
  return inside(["card"], "readwrite", (stores) => stores.card.delete("card"));
}

const isPast = ({ strips, serverAheadMs }) =>
  (strips.at(-1)?.until ?? 0) * 1000 <= Date.now() + serverAheadMs;
