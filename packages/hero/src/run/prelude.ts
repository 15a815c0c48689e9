/**
 * The script's side of the fence, as JavaScript text that runs inside the engine before any script: what `print`,
 * `env`, `args`, `fail` and the actors are. It keeps its own references to the built-ins it needs, so that a script
 * that replaces them harms only itself.
 */
export const prelude = `(function (hostPrint, hostCall, hostLine, hostEnv, setup) {
  "use strict";
  const { parse, stringify } = JSON;
  const { defineProperty, freeze, create } = Object;
  const isArray = Array.isArray;
  const text = String;
  const ProxyOf = Proxy;
  const show = (value) => {
    if (typeof value === "string") return value;
    if (value instanceof Error) return text(value);
    if (typeof value === "object" && value !== null) {
      try { return stringify(value); } catch { return text(value); }
    }
    return text(value);
  };
  class ActionError extends Error {
    get name() { return "ActionError"; }
  }
  const answer = (json) => {
    const reply = parse(json);
    if (reply.ok) return reply.value;
    const error = new ActionError(reply.message);
    defineProperty(error, "failure", { value: reply.failure });
    throw error;
  };
  const global = (name, value) => defineProperty(globalThis, name, { value });
  delete globalThis.Promise;
  global("print", function print(...values) {
    let line = "";
    for (let i = 0; i < values.length; i++) line += (i > 0 ? " " : "") + show(values[i]);
    hostPrint(stringify(line));
  });
  global("fail", function fail(message) {
    const error = new ActionError(message === undefined ? "the script failed" : show(message));
    defineProperty(error, "deliberate", { value: true });
    throw error;
  });
  global("args", freeze(parse(setup).args));
  const readOnly = () => { throw new TypeError("env is read-only; !!osal.env_set sets a variable"); };
  global("env", new ProxyOf(create(null), {
    get: (_, name) => typeof name === "string" ? hostEnv("get", name) : undefined,
    has: (_, name) => typeof name === "string" && hostEnv("get", name) !== undefined,
    ownKeys: () => parse(hostEnv("names", "")),
    getOwnPropertyDescriptor: (_, name) => {
      const value = typeof name === "string" ? hostEnv("get", name) : undefined;
      return value === undefined ? undefined : { value, enumerable: true, configurable: true, writable: false };
    },
    set: readOnly, defineProperty: readOnly, deleteProperty: readOnly,
  }));
  const plain = (value) => typeof value === "object" && value !== null && !isArray(value);
  for (const { name, actions } of parse(setup).actors) {
    const actor = create(null);
    for (const action of actions) {
      const call = { [action](...values) {
        const params = values.length > 0 && plain(values[values.length - 1]) ? values.pop() : {};
        return answer(hostCall(name, action, stringify({ params, args: values.map(show) })));
      } }[action];
      defineProperty(actor, action, { value: freeze(call), enumerable: true });
    }
    global(name, new ProxyOf(freeze(actor), {
      get: (target, action) => {
        if (action in target || typeof action !== "string") return target[action];
        return (...values) => answer(hostCall(name, action, stringify({ params: {}, args: [] })));
      },
    }));
  }
  global("$value", (value) => {
    if (value === undefined || value === null) {
      throw new TypeError("the expression in \${…} has no value (it is " + value + ")");
    }
    return isArray(value) ? text(value) : show(value);
  });
  global("$hero", (program, index, texts) => {
    answer(hostLine(program, index, stringify(texts)));
  });
})`;
