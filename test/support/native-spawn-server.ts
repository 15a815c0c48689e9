/** The spawn server in C. */
import { needNativeBuild } from "./native-build.ts";

export async function needSpawnServer(): Promise<void> {
  await needNativeBuild("spawn-server");
}
