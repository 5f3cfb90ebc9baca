// What a description of schema.graphql says: the meaning, and what null does to a leaf, which is its last sentence.

/**
 * @param {string | null | undefined} description
 * @returns {{ meaning: string, null?: "refused" | "resets", default?: string | number | boolean }}
 */
export function told(description) {
  const [meaning = "", then] = (description ?? "").split(/\s+Null (?=is refused; |resets it to )/);
  if (then === undefined) return { meaning };
  const named = /^resets it to (.+)\.$/.exec(then)?.[1];
  return named === undefined ? { meaning, null: "refused" } : { meaning, null: "resets", default: valueOf(named) };
}

/** @param {string} named */
function valueOf(named) {
  return named === "the empty text" ? "" : named.startsWith("`") ? named.slice(1, -1) : JSON.parse(named);
}
