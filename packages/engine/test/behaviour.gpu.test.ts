import { describeAway, describeBackend } from "../src/testing/index.ts";
import { webGpu } from "./tiny.ts";

describeAway(webGpu(), ["8 bits", "4 bits"]);
describeBackend("WebGPU", webGpu());
