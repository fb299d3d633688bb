// Which of several cards a provider computes on: the one that is asked for by index or by a part of its
// name, or else the strongest, which on a laptop with two is not the one that comes first.
// The trap: CUDA counts the cards that CUDA_VISIBLE_DEVICES leaves, and so does `device` here.
import { fault } from "../../lib/fault.ts";
import { type Provider, providerKind } from "../device/providers.ts";
import type { Card } from "../memory/cards.ts";

/** The card that was asked for is not here, or the provider cannot be told to take it. */
export class CardFault extends fault("CardFault", "user") {}

/** By index, or by a part of its name; null: the strongest. */
export type CardWish = number | string | null;

export interface CardChoice {
  /** Undefined where nobody lists cards. */
  readonly card: Card | undefined;
  /** What ONNX Runtime is told; undefined: nothing. */
  readonly deviceId: number | undefined;
}

/** NVIDIA's cards as CUDA counts them. */
export function visibleCards(cards: readonly Card[], visible: string | undefined): readonly Card[] {
  const own = cards.filter(({ vendor }) => vendor === "nvidia");
  if (visible === undefined) return own;
  const seen: Card[] = [];
  for (const name of visible.split(",").map((part) => part.trim())) {
    const card = own.find(({ index, uuid }) =>
      /^\d+$/.test(name) ? index === Number(name) : name !== "" && uuid?.startsWith(name)
    );
    // CUDA too ends its list at the first name that it does not know.
    if (card === undefined) break;
    seen.push(card);
  }
  return seen;
}

const strength = ({ vendor, total = 0, computeCapability = 0 }: Card) =>
  (vendor === "other" ? 0 : 1e6) + computeCapability * 1e3 + total / 2 ** 30;

const strongest = (cards: readonly Card[]): Card | undefined =>
  cards.length === 0 ? undefined : cards.reduce((a, b) => strength(b) > strength(a) ? b : a);

/** One or two digits are an index, more are a part of a name: 4090. */
export const isIndex = (wish: number | string): boolean => /^\d{1,2}$/.test(String(wish));

const matches = (wish: number | string, card: Card, index: number): boolean =>
  isIndex(wish)
    ? Number(wish) === index
    : card.name.toLowerCase().includes(String(wish).toLowerCase());

/** Indices of those that a wish may mean: "4060" is no 4060 Ti where there is a 4060. */
function meant(wish: number | string, cards: readonly Card[]): readonly number[] {
  const found = [...cards.keys()].filter((index) => matches(wish, cards[index], index));
  const end = String(wish).toLowerCase();
  const whole = found.filter((index) => cards[index].name.toLowerCase().endsWith(end));
  return whole.length > 0 && !isIndex(wish) ? whole : found;
}

const listed = (cards: readonly Card[]) =>
  cards.length === 0
    ? "no card that the system lists"
    : cards.map(({ name }, index) => `${index}: ${name}`).join(", ");

/** Throws CardFault. */
export function chooseCard(
  provider: Provider,
  wish: CardWish,
  all: readonly Card[],
  visible: string | undefined = process.env.CUDA_VISIBLE_DEVICES,
): CardChoice {
  if (provider === "cpu") return { card: undefined, deviceId: undefined };
  const cards = provider === "cuda" ? visibleCards(all, visible) : all;
  const best = strongest(cards);
  const refuse = (wanted: string, fix: string) =>
    new CardFault({ key: "device", wanted, found: `${wish} among ${listed(cards)}`, fix });
  if (providerKind(provider).cards === "driver") {
    if (wish !== null && !(best !== undefined && matches(wish, best, cards.indexOf(best)))) {
      throw refuse(
        `the card that ${provider} computes on, which the driver chooses: the strongest`,
        "Leave device out, or choose provider: cuda for one of several NVIDIA cards.",
      );
    }
    return { card: best, deviceId: undefined };
  }
  // DirectML counts by itself, and tells no names.
  if (provider === "dml") {
    if (wish !== null && !isIndex(wish)) {
      throw refuse("an index, as dml knows no names", "Write a number.");
    }
    const known = wish === null || cards.length === 0 || Number(wish) < cards.length;
    if (!known) throw refuse("the index of a card", "Choose one of these.");
    const card = cards.length === 1 ? cards[0] : undefined;
    return { card, deviceId: wish === null ? undefined : Number(wish) };
  }
  if (wish === null) {
    return { card: best, deviceId: best === undefined ? undefined : cards.indexOf(best) };
  }
  const found = meant(wish, cards);
  if (found.length === 0) {
    throw refuse("the index of a card, or a part of its name", "Choose one of these.");
  }
  if (new Set(found.map((index) => cards[index].name)).size > 1) {
    throw refuse("a part of one card's name", "Write more of it, or its number.");
  }
  return { card: cards[found[0]], deviceId: found[0] };
}
