/** Which build this is: one version for all packages, and the commit where it is known. */
import { buildInfo, buildText } from "@herorunner/daemon";

export const build = buildInfo(import.meta.url);

export const { version } = build;
/** As `--version` shows it. */
export const versionText = buildText(build);

/** Version of the wire protocol in Redis, docs/protocol.md. */
export const protocolVersion = 1;
