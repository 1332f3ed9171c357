/*
 * What a model file may claim. A file comes from anywhere, so every number in it is checked twice: against the bytes that are left in the file, so that
 * nothing is allocated that the file does not hold, and against these limits, so that a large hostile file cannot make objects by the million.
 * Each limit is several times what real files reach.
 */

/** Metadata keys. Real files have 20 to 60. */
export const MAX_METADATA_ENTRIES = 16_384;

/** Tensors. The largest open models, with hundreds of layers or separate experts, have a few thousand. */
export const MAX_TENSORS = 65_536;

/** Bytes of a metadata key: the GGUF specification says 2^16 - 1. */
export const MAX_KEY_BYTES = 65_535;

/** Bytes of a tensor's name. ggml keeps 63, and 127 in builds with a larger GGML_MAX_NAME. */
export const MAX_TENSOR_NAME_BYTES = 127;

/** Bytes of a string value. Chat templates are some tens of KiB; a whole tokenizer.json, which GGUF allows as one string, reaches 35 MiB. */
export const MAX_STRING_BYTES = 64 * 2 ** 20;

/** Elements of one array. The largest vocabularies have 262,144 tokens and some 515,000 merges. */
export const MAX_ARRAY_LENGTH = 2 ** 22;

/** Arrays in arrays. GGUF allows them; no published model has them, and each level of recursion costs stack. */
export const MAX_ARRAY_DEPTH = 4;

/** Inner arrays of one file: 12 bytes of the file make an object of some 200 bytes, so their number is bounded apart from the file's size. */
export const MAX_INNER_ARRAYS = 4_096;

/** Dimensions of a tensor: GGML_MAX_DIMS. */
export const MAX_DIMENSIONS = 4;

/** Elements of a tensor, and bytes up to the end of one: beyond 2^53 - 1 JavaScript's numbers are not exact. */
export const MAX_ELEMENTS = Number.MAX_SAFE_INTEGER;

/** `general.alignment`. Files use 32 or, to map pages of the largest page size in use, up to 64 KiB. */
export const MAX_ALIGNMENT = 65_536;

/** Metadata and tensor table together. With the largest vocabularies they take some 15 MiB, with a tokenizer.json in them 50 MiB. */
export const MAX_HEADER_BYTES = 128 * 2 ** 20;

/** The first read: enough for everything but the vocabulary, so that a file that is none of ours is refused after one small request. */
export const FIRST_WINDOW_BYTES = 64 * 2 ** 10;

/** The largest window that reads grow to: a header of 10 MiB takes eight reads, and the window stays small beside the weights. */
export const MAX_WINDOW_BYTES = 4 * 2 ** 20;
