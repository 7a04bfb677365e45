import type { Wanted } from './wanted.ts';

/** So many keys may follow one on known paths; what comes beside them is looked at anew each time. */
const MAX_BRANCHES = 16;
/** With so many keys known all are forgotten: what comes often is soon known again. */
const MAX_KEYS = 4_096;
const MAX_KEY_BYTES = 60;

/** A key, behind all those that stood before it in its object; or the beginning of an object, with no key yet. */
export class KeyPath {
  /** Bytes of the key with its quotes and the colon behind them. */
  readonly size: number;
  readonly signature: number;
  /** Where the place of its value goes; -1 when nobody wants it. */
  readonly slot: number;
  /** What is wanted in the object that is its value; of a beginning, in its own. */
  readonly wanted: Wanted | undefined;
  /** Its bytes, from `firstWord` on; undefined: it is not remembered, and neither is what stands behind it. */
  readonly words: Int32Array | undefined;
  readonly firstWord: number;
  /** A key that has come next, and in `other` of that one further ones. */
  next: KeyPath | undefined;
  other: KeyPath | undefined;
  branches = 0;
  #inside: KeyPath | undefined;
  #element: KeyPath | undefined;

  constructor(size: number, signature: number, slot: number, wanted: Wanted | undefined, words: Int32Array | undefined, firstWord: number) {
    this.size = size;
    this.signature = signature;
    this.slot = slot;
    this.wanted = wanted;
    this.words = words;
    this.firstWord = firstWord;
  }

  /** The beginning of the object that is its value. */
  get inside(): KeyPath {
    return (this.#inside ??= new KeyPath(0, 0, -1, this.wanted, this.words, 0));
  }

  /** In place of a key, for the elements of the list that is its value: nothing is wanted of them. */
  get element(): KeyPath {
    return (this.#element ??= new KeyPath(0, 0, -1, undefined, this.words, 0));
  }
}

/**
 * The keys that objects have had, in their order. Most objects have those of one before: that the next key is there takes a comparison of
 * a few words, where it else is looked through, compared with those before it and looked up. On a path no key comes twice.
 */
export class KeyPaths {
  /** The beginning of an object in which `wanted` is wanted. */
  readonly start: KeyPath;
  #words: Int32Array;
  #keys = 0;

  constructor(wanted: Wanted | undefined) {
    this.#words = newWords();
    this.start = new KeyPath(0, 0, -1, wanted, this.#words, 0);
  }

  /** The key at `at`, if it has come behind `before`. Words are read up to four bytes behind its place or its last byte. */
  find(before: KeyPath, view: DataView, at: number): KeyPath | undefined {
    let path = before.next;
    while (path !== undefined && !isAt(path, view, at)) path = path.other;
    return path;
  }

  /** A key at `at`, which is plain and no double: remembered behind `before`, where there is room. */
  add(before: KeyPath, view: DataView, at: number, size: number, signature: number, slot: number, wanted: Wanted | undefined): KeyPath {
    const isKept = before.words !== undefined && before.branches < MAX_BRANCHES && size >= 4 && size <= MAX_KEY_BYTES;
    if (!isKept) return new KeyPath(size, signature, slot, wanted, undefined, 0);
    if (this.#keys === MAX_KEYS) this.#forget();
    const words = this.#words;
    const firstWord = this.#keys++ * (MAX_KEY_BYTES / 4);
    const last = at + size - 4;
    let word = firstWord;
    for (let place = at; place < last; place += 4) words[word++] = view.getInt32(place, true);
    words[word] = view.getInt32(last, true);
    const path = new KeyPath(size, signature, slot, wanted, words, firstWord);
    path.other = before.next;
    before.next = path;
    before.branches++;
    return path;
  }

  /** A scan that is under way goes on along the old paths, which keep their own words. */
  #forget(): void {
    this.#words = newWords();
    this.#keys = 0;
    this.start.next = undefined;
    this.start.branches = 0;
  }
}

function isAt({ words, firstWord, size }: KeyPath, view: DataView, at: number): boolean {
  const last = at + size - 4;
  let word = firstWord;
  for (let place = at; place < last; place += 4) if (view.getInt32(place, true) !== words![word++]) return false;
  return view.getInt32(last, true) === words![word];
}

function newWords(): Int32Array {
  return new Int32Array((MAX_KEYS * MAX_KEY_BYTES) / 4);
}
