/** Which build this is, as `--version` shows it: one version for all packages, and the commit where it is known. */
import { buildInfo, buildText } from "@herorunner/daemon";

export const versionText = buildText(buildInfo(import.meta.url));
