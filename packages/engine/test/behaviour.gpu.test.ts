import { describeBackend } from "../src/testing/index.ts";
import { webGpu } from "./tiny.ts";

describeBackend("WebGPU", webGpu());
