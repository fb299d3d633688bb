// A device in a process of its own computes the same bytes as one in a thread, and its death is an error
// to catch, not the end of the program.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { GraphBuilder } from "../graph/builder.ts";
import { sizeOf } from "../graph/graph.ts";
import { normals } from "../random/draw.ts";
import {
  DeviceFault,
  DeviceLostFault,
  DeviceMemoryFault,
  errorSaid,
  faultOf,
} from "./device-fault.ts";
import { Device, type DeviceSettings } from "./device.ts";

const settings: DeviceSettings = { provider: "cpu", threads: 1, mapWeights: true };

/** y = x^(2^times) for a matrix of this size. */
function powers(size: number, times: number) {
  const g = new GraphBuilder();
  let value = g.input("x", [size, size]);
  for (let i = 0; i < times; i++) value = g.apply("MatMul", [value, value]);
  return g.finish({ y: value });
}

const matrix = (size: number) => {
  const dims = [size, size];
  const values = normals({ seed: 3, purpose: "matrix", step: 0, item: 0 }, sizeOf(dims));
  const data = Float32Array.from(values, (value) => value / size);
  return { x: { type: "float32" as const, dims, data } };
};

test("a process and a thread compute the same bytes", async () => {
  const results = [];
  for (const isolated of [false, true]) {
    const device = new Device({ ...settings, isolated });
    assert.equal(device.processId === process.pid, !isolated);
    const session = await device.load(powers(40, 3));
    results.push((await session.run(matrix(40))).y);
    await session.release();
    await device.close();
  }
  assert.deepEqual(results[0].dims, [40, 40]);
  assert.deepEqual(results[0].data, results[1].data);
});

test("a device that dies in a step is an error; a new one repeats the step", async () => {
  const graph = powers(300, 2);
  const device = new Device({ ...settings, isolated: true });
  const session = await device.load(graph);
  const before = (await session.run(matrix(300))).y.data;
  const lost = session.run(matrix(300));
  process.kill(device.processId, "SIGKILL");
  await assert.rejects(lost, (error) => {
    assert.ok(error instanceof DeviceLostFault);
    assert.match(error.found, /SIGKILL/);
    return true;
  });
  await assert.rejects(session.run(matrix(300)), DeviceLostFault);
  const next = new Device({ ...settings, isolated: true });
  const again = await next.load(graph);
  assert.deepEqual((await again.run(matrix(300))).y.data, before);
  await next.close();
});

test("closing a device in a step ends the step with an error", async () => {
  const device = new Device({ ...settings, isolated: true });
  const session = await device.load(powers(600, 6));
  const running = assert.rejects(session.run(matrix(600)), DeviceLostFault);
  await device.close();
  await running;
});

test("closing a device in a step of its thread is not the end of the program", async () => {
  const device = new Device(settings);
  const session = await device.load(powers(1000, 12));
  const feeds = matrix(1000);
  const [first, ...others] = [1, 2, 3].map(() => session.run(feeds));
  const refused = others.map((step) => assert.rejects(step, DeviceLostFault));
  await first; // so it is in the second now
  await device.close();
  await Promise.all(refused);
});

test("a program may end while its device's thread is in a step", () => {
  const fixture = fileURLToPath(new URL("./close-busy.fixture.ts", import.meta.url));
  const args = "deno" in process.versions ? ["run", "-A", "-q", fixture] : [fixture];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  assert.deepEqual([status, stdout, stderr], [7, "closed\n", ""]);
});

test("a graph that ONNX Runtime refuses is a DeviceFault with its reason", async () => {
  const device = new Device(settings);
  const graph = powers(4, 1);
  const odd = { ...graph, nodes: graph.nodes.map((node) => ({ ...node, op: "NoSuchOperator" })) };
  await assert.rejects(device.load(odd), (error) => {
    assert.ok(error instanceof DeviceFault);
    assert.match(error.found, /NoSuchOperator/);
    return true;
  });
  await device.close();
});

test("failed allocations and lost devices are told apart from other errors", () => {
  const messages: readonly (readonly [string, unknown])[] = [
    ["bfc_arena.cc:376 Failed to allocate memory for requested buffer of size 68719476736", 1],
    ["CUDA failure 2: out of memory ; GPU=0 ; hostname=x", 1],
    ["Non-zero status code: std::bad_alloc", 1],
    ["WebGPU validation failed. Device is lost", 2],
    ["The GPU device instance has been suspended: 887A0005", 2],
    ["Error: [Invalid Buffer] is invalid due to a previous error.", 1],
    ["bad allocation", 1],
    ["CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0 ; hostname=x", 1],
    ["vkAllocateMemory failed with VK_ERROR_OUT_OF_DEVICE_MEMORY", 1],
    ["CUDA failure 46: all CUDA-capable devices are busy or unavailable", 2],
    ["887A0006", 2],
    ["Error: [Device] is lost.", 2],
    ["vkQueueSubmit failed with VK_ERROR_DEVICE_LOST", 2],
    ["CUDA failure 803: system has unsupported display driver / cuda driver combination", 2],
    ["CUDA failure 719: unspecified launch failure", 2],
    ["CUDA failure 999: unknown error", 2],
    ["Load model failed: type mismatch", 3],
    ["CUDA failure 209: no kernel image is available for execution on the device", 3],
    ["CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version", 3],
  ];
  const kinds = [undefined, DeviceMemoryFault, DeviceLostFault, DeviceFault];
  for (const [message, kind] of messages) {
    const fault = faultOf("cuda", message);
    assert.ok(fault instanceof kinds[kind as number]!, message);
    assert.equal(fault.constructor, kinds[kind as number], message);
  }
});

test("what Dawn only logs is a fault; what ONNX Runtime warns of is none", () => {
  const said =
    "2026-01-01 [E:onnxruntime:Default, webgpu_context.cc:110] WebGPU device error(3): " +
    "[Invalid Buffer (unlabeled)] is invalid.\n";
  const found = errorSaid(`[W:onnxruntime] something\n${said}`)!;
  assert.ok(faultOf("webgpu", found, said) instanceof DeviceMemoryFault);
  assert.match(errorSaid("WebGPU device lost (1): gone")!, /lost/);
  assert.equal(errorSaid("[W:onnxruntime] Some nodes were not assigned\n"), undefined);
});

test("a step that fails in a process is told, and the next one computes", async () => {
  const device = new Device({ ...settings, isolated: true });
  const graph = powers(4, 1);
  const session = await device.load(graph);
  const feeds = { x: { type: "float32" as const, dims: [3, 4], data: new Float32Array(12) } };
  await assert.rejects(session.run(feeds), (error) => {
    assert.ok(error instanceof DeviceFault);
    assert.match(error.found, /dimension|shape/i);
    return true;
  });
  assert.deepEqual((await session.run(matrix(4))).y.dims, [4, 4]);
  await device.close();
});
