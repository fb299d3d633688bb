// The program on a device that fails as a card does: after some steps every further one ends with what ONNX
// Runtime and drivers said on real ones. The texts come by GNOMIC_CARD_SAYS, the steps by GNOMIC_CARD_AFTER.
// The trap: the device is the processor, so the fault is made where a device's replies arrive.
import process from "node:process";
import { faultOf } from "../../engine/device/device-fault.ts";
import { Device } from "../../engine/device/device.ts";

const { GNOMIC_CARD_SAYS: says = "", GNOMIC_CARD_AFTER: after = "0" } = process.env;
const load = Device.prototype.load;
let steps = 0;
Device.prototype.load = async function (graph, ...how) {
  const session = await load.call(this, graph, ...how);
  const trains = graph.outputs.some(({ name }) => name === "gradient1");
  return {
    ...session,
    run: async (feeds) => {
      const isStep = trains && feeds.choice?.data[0] !== 0;
      if (isStep && ++steps > Number(after)) throw faultOf(this.provider, says);
      return await session.run(feeds);
    },
  };
};

await import("../../cli/main.ts");
