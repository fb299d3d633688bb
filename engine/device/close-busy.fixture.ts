// A program that closes a device in the middle of what its thread does, and ends at once with code 7.
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { GraphBuilder } from "../graph/builder.ts";
import { Device } from "./device.ts";

const size = 1000;
const g = new GraphBuilder();
let value = g.input("x", [size, size]);
for (let i = 0; i < 12; i++) value = g.apply("MatMul", [value, value]);
const device = new Device({ provider: "cpu", threads: 1, mapWeights: true });
const session = await device.load(g.finish({ y: value }));
const x = { type: "float32" as const, dims: [size, size], data: new Float32Array(size * size) };
session.run({ x }).catch(() => {});
session.run({ x }).catch(() => {});
await delay(100);
await device.close();
console.log("closed");
process.exit(7);
