/** Tables for eight bytes at a time: `tables[n][b]` is the remainder of byte b with n zero bytes after it. */
const tables = makeTables();

/**
 * CRC-32 (IEEE 802.3, reflected) of bytes that come after those whose CRC is `before`. It finds every burst of up to 32 wrong bits and all but one in
 * 2^32 of other damage; it proves nothing about who wrote them.
 */
export function crc32(bytes: Uint8Array, before = 0): number {
  const [table0, table1, table2, table3, table4, table5, table6, table7] = tables;
  // Eight bytes are two words where the bytes begin at a word; every machine that runs this has the lowest byte first.
  const words =
    bytes.byteOffset % 4 === 0 ? new Int32Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.length / 8) * 2) : new Int32Array();
  let crc = ~before;
  for (let index = 0; index < words.length; index += 2) {
    const low = crc ^ (words[index] as number);
    const high = words[index + 1] as number;
    crc =
      (table7[low & 255] as number) ^
      (table6[(low >>> 8) & 255] as number) ^
      (table5[(low >>> 16) & 255] as number) ^
      (table4[low >>> 24] as number) ^
      (table3[high & 255] as number) ^
      (table2[(high >>> 8) & 255] as number) ^
      (table1[(high >>> 16) & 255] as number) ^
      (table0[high >>> 24] as number);
  }
  for (let at = words.length * 4; at < bytes.length; at++) crc = (crc >>> 8) ^ (table0[(crc ^ (bytes[at] as number)) & 255] as number);
  return ~crc >>> 0;
}

type Tables = [Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array];

function makeTables(): Tables {
  const first = Int32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) * 0xedb88320);
    return crc;
  });
  const all = [first];
  while (all.length < 8) all.push((all.at(-1) ?? first).map((crc) => (crc >>> 8) ^ (first[crc & 255] as number)));
  return all as Tables;
}
