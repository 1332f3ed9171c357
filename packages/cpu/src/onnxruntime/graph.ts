import { ProtobufWriter } from "./protobuf.ts";

/*
 * The ONNX model of one product, made in memory. Field numbers and enum values are those of onnx.proto3
 * (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3), the operator is described in ONNX Runtime's ContribOperators.md.
 */

/** A matrix [rows, columns] in 8 bits: w[n, k] = scales[n] * codes[n, k]. */
export interface WeightCodes {
  readonly rows: number;
  readonly columns: number;
  /** [rows, columns] */
  readonly codes: Int8Array;
  /** [rows] */
  readonly scales: Float32Array;
}

/** What the codes of inputs have been raised by: unsigned factors have a fast path in ONNX Runtime's WebAssembly build, signed ones none. */
export const inputZeroPoint = 128;

/**
 * y[t, n] = scales[n] * sum over k of (x[t, k] - inputZeroPoint) * codes[n, k], with x uint8 [T, columns] and y f32 [T, rows]: one
 * MatMulIntegerToFloat, whose sums are exact 32-bit integers. Its second factor is the codes' transpose, a constant that ONNX Runtime folds
 * while it makes the session.
 */
export function productGraph({ rows, columns, codes, scales }: WeightCodes): Uint8Array<ArrayBuffer> {
  const graph = new ProtobufWriter()
    .message(1, node("Transpose", ["w"], "transposed"))
    .message(1, node("MatMulIntegerToFloat", ["x", "transposed", "one", "scales", "zero"], "y").text(7, "com.microsoft"))
    .text(2, "product")
    .message(5, tensor("w", INT8, [rows, columns], codes))
    .message(5, tensor("scales", FLOAT, [rows], scales))
    .message(5, tensor("one", FLOAT, [], Float32Array.of(1)))
    .message(5, tensor("zero", UINT8, [], Uint8Array.of(inputZeroPoint)))
    .message(11, matrix("x", UINT8, columns))
    .message(12, matrix("y", FLOAT, rows));
  return new ProtobufWriter()
    .integer(1, IR_VERSION)
    .message(7, graph)
    .message(8, operators("", 17))
    .message(8, operators("com.microsoft", 1))
    .finish();
}

const IR_VERSION = 8;
const FLOAT = 1;
const UINT8 = 2;
const INT8 = 3;

function node(operator: string, inputs: readonly string[], output: string): ProtobufWriter {
  const message = new ProtobufWriter();
  for (const input of inputs) message.text(1, input);
  return message.text(2, output).text(4, operator);
}

function tensor(name: string, type: number, dimensions: readonly number[], data: Int8Array | Uint8Array | Float32Array): ProtobufWriter {
  const message = new ProtobufWriter();
  for (const size of dimensions) message.integer(1, size);
  return message
    .integer(2, type)
    .text(8, name)
    .bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

/** An input or output [T, columns]. */
function matrix(name: string, type: number, columns: number): ProtobufWriter {
  const shape = new ProtobufWriter().message(1, new ProtobufWriter().text(2, "T")).message(1, new ProtobufWriter().integer(1, columns));
  const tensorType = new ProtobufWriter().integer(1, type).message(2, shape);
  return new ProtobufWriter().text(1, name).message(2, new ProtobufWriter().message(1, tensorType));
}

function operators(domain: string, version: number): ProtobufWriter {
  return new ProtobufWriter().text(1, domain).integer(2, version);
}
