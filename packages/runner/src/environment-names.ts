/**
 * Names of variables that a job may not set by default, and why. Collected from what linkers, shells, interpreters,
 * pagers, editors, git, docker and TLS libraries read before they do their work.
 */

/** `reserved`: stated by the runner itself. `loads_code`: read by the loader of every program. */
export type RefusedName = "reserved" | "loads_code" | "changes_programs";

/** Why `name` is refused by default, or undefined when jobs may set it. */
export function refusalOf(name: string): RefusedName | undefined {
  if (name.startsWith("HERO_")) return "reserved";
  if (loaderNames.has(name) || loaderPrefixes.some((prefix) => name.startsWith(prefix))) return "loads_code";
  if (names.has(name) || prefixes.some((prefix) => name.startsWith(prefix))) return "changes_programs";
  return /_proxy$/i.test(name) ? "changes_programs" : undefined;
}

const loaderPrefixes = ["LD_", "DYLD_"];
const loaderNames: ReadonlySet<string> = new Set(["GLIBC_TUNABLES", "GCONV_PATH"]);

const prefixes = [
  "MALLOC_",
  "NODE_",
  "BASH_FUNC_",
  "PYTHON",
  "LUA_INIT",
  // GIT_SSH_COMMAND, GIT_EXEC_PATH, GIT_CONFIG_*, GIT_EXTERNAL_DIFF and others run programs.
  "GIT_",
  "TERMINFO",
  "SSL_CERT_",
  "XDG_",
  // What our own programs read.
  "REDIS_",
  "HERORUNNER_",
  "HEROSUPERVISOR_",
  "HEROJOB_",
];

const names: ReadonlySet<string> = new Set([
  ...["BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS", "PS4", "PROMPT_COMMAND", "IFS", "CDPATH", "GLOBIGNORE"],
  ...["ZDOTDIR", "FPATH"],
  ...["PERL5LIB", "PERL5OPT", "PERL5DB", "PERLLIB", "PERLIO_DEBUG", "RUBYLIB", "RUBYOPT"],
  ...["JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH"],
  ...["SSH_ASKPASS", "SUDO_ASKPASS", "EDITOR", "VISUAL", "PAGER", "BROWSER", "LESSOPEN", "LESSCLOSE"],
  ...["HOSTALIASES", "LOCALDOMAIN", "RES_OPTIONS", "NLSPATH", "TERMCAP"],
  ...["OPENSSL_CONF", "OPENSSL_MODULES", "SSLKEYLOGFILE"],
  ...["DOCKER_HOST", "DOCKER_CONFIG", "KUBECONFIG"],
  ...["PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR"],
]);
