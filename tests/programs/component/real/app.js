// The guest in JavaScript: what `everything.wit` exports, each value given back as it came.
import { Sink, transform, apply } from "test:everything/log@1.0.0";

let alive = 0;

class Counter {
  constructor(start) {
    this.at = start;
    alive += 1;
  }
  next() {
    this.at += 1;
    return this.at;
  }
  merge(other) {
    return this.at + other.at;
  }
  static take(it) {
    return it.at;
  }
  [Symbol.dispose]() {
    alive -= 1;
  }
}

const same = (v) => v;

export const values = {
  echoBool: same,
  echoU8: same,
  echoS8: same,
  echoU16: same,
  echoS16: same,
  echoU32: same,
  echoS32: same,
  echoU64: same,
  echoS64: same,
  echoF32: same,
  echoF64: same,
  echoChar: same,
  echoString: same,
  echoBytes: same,
  echoS16s: same,
  echoU64s: same,
  echoFloats: same,
  echoStrings: same,
  echoNestedStrings: same,
  echoPoint: same,
  echoPerson: same,
  echoPair: same,
  echoShape: same,
  echoShapes: same,
  echoColour: same,
  echoAccess: same,
  echoMany: same,
  echoOption: same,
  echoOptionOption: same,
  echoResults: same,
  echoWide: (...all) => all,
  both(n) {
    if (n % 2 === 0) return String(n);
    throw n === 1 ? { tag: "busy" } : { tag: "not-found", val: `no ${n}` };
  },
  onlyOk(n) {
    if (n % 2 === 0) return n;
    throw undefined;
  },
  onlyError(n) {
    if (n % 2) throw "dark-blue";
  },
  neither(n) {
    if (n % 2) throw undefined;
  },
};

export const counters = {
  Counter,
  make: (start) => new Counter(start),
  alive: () => alive,
};

export function callHost(n) {
  const sink = new Sink("guest");
  const other = new Sink("other");
  const counts = [];
  for (let i = 0; i < n; i++) counts.push(sink.write(`line ${i}`));
  other.write("one");
  counts.push(Sink.total([sink, other]));
  sink[Symbol.dispose]?.();
  other[Symbol.dispose]?.();
  try {
    counts.push(transform(n));
  } catch (error) {
    counts.push(String(error.payload ?? error).length);
  }
  return counts;
}

export function throughHost(values) {
  return apply(values);
}
