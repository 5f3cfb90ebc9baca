// A key of an own for each request that must not be carried out twice.

/** 32 random hex digits. crypto.randomUUID would do, had pages over plain HTTP it under any name but localhost. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
