/** What the record at this offset takes: 0 to 5 ms, scattered, and the same for ours, the floor and Parallel Consumer (`Peer.java`). */
export const waitMs = (offset: number): number => (Math.imul(offset, 0x9e37_79b1) >>> 16) % 6
