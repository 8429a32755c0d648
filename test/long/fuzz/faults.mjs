// Readers with the faults that a run must find; the first of them show that its limits hold.
const kept = [];

export const faults = {
  spins: async () => {
    for (;;) kept.length = 0;
  },
  'is slow': async () => {
    const began = process.cpuUsage();
    const taken = () => Object.values(process.cpuUsage(began)).reduce((a, b) => a + b);
    while (taken() < 1_200_000);
  },
  waits: () => new Promise(() => {}),
  'fills the heap': async () => {
    for (;;) kept.push(Array.from({ length: 1000 }, (_, i) => ({ i })));
  },
  leaks: async () => {
    if (kept.length > 0) throw new Error('a case sees what another left');
    kept.push(Buffer.alloc(2 ** 25));
  },
  'fills buffers': async () => {
    for (;;) kept.push(Buffer.alloc(2 ** 20));
  },
  dies: async () => process.abort(),
  'reads too much': (disk) => disk.read(0, 2 ** 25),
  'throws another error': async () => {
    throw new TypeError('not a word of a disk');
  },
};
