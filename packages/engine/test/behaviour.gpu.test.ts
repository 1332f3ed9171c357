import { describeAway, describeAwayDisk, describeBackend } from "../src/testing/index.ts";
import { webGpu } from "./tiny.ts";

describeAway(webGpu(), ["8 bits", "4 bits"]);
describeAwayDisk(webGpu());
describeBackend("WebGPU", webGpu());
