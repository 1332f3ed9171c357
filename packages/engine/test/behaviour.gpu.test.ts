import { describeAway, describeAwayDisk, describeBackend } from "../src/testing/index.ts";
import { webGpu } from "./tiny.ts";

describeAway(webGpu(), ["8 bits", "4 bits and 8"]);
describeAwayDisk(webGpu());
describeBackend("WebGPU", webGpu());
