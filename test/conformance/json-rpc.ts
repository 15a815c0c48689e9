/**
 * JSON-RPC 2.0 by example: every exchange that stands in section 7 of its specification, and the rules of the other
 * sections as exchanges of our own. Whoever dispatches calls passes all of them, with these methods: `subtract` (minuend,
 * subtrahend), `sum` (a, b, c), `update`, `foobar2`, `notify_hello`, `notify_sum` (any parameters, no answer), `get_data`.
 */

export interface Exchange {
  readonly title: string;
  readonly sent: string;
  /** Undefined: nothing comes back. Of errors only the code counts; the words are each server's own. */
  readonly received: unknown;
}

const error = (code: number, id: unknown = null): unknown => ({ jsonrpc: "2.0", error: { code }, id });
const result = (value: unknown, id: unknown): unknown => ({ jsonrpc: "2.0", result: value, id });

/** Section 7 of the specification. */
export const specificationExamples: readonly Exchange[] = [
  {
    title: "rpc call with positional parameters",
    sent: '{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}',
    received: result(19, 1),
  },
  {
    title: "rpc call with positional parameters, the other way round",
    sent: '{"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2}',
    received: result(-19, 2),
  },
  {
    title: "rpc call with named parameters",
    sent: '{"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}',
    received: result(19, 3),
  },
  {
    title: "rpc call with named parameters in another order",
    sent: '{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": 4}',
    received: result(19, 4),
  },
  {
    title: "a notification",
    sent: '{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}',
    received: undefined,
  },
  {
    title: "a notification of a method that is not there",
    sent: '{"jsonrpc": "2.0", "method": "foobar"}',
    received: undefined,
  },
  {
    title: "rpc call of non-existent method",
    sent: '{"jsonrpc": "2.0", "method": "foobar", "id": "1"}',
    received: error(-32601, "1"),
  },
  {
    title: "rpc call with invalid JSON",
    sent: '{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]',
    received: error(-32700),
  },
  {
    title: "rpc call with invalid Request object",
    sent: '{"jsonrpc": "2.0", "method": 1, "params": "bar"}',
    received: error(-32600),
  },
  {
    title: "rpc call Batch, invalid JSON",
    sent: '[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},{"jsonrpc": "2.0", "method"]',
    received: error(-32700),
  },
  { title: "rpc call with an empty Array", sent: "[]", received: error(-32600) },
  {
    title: "rpc call with an invalid Batch (but not empty)",
    sent: "[1]",
    received: [error(-32600)],
  },
  {
    title: "rpc call with invalid Batch",
    sent: "[1,2,3]",
    received: [error(-32600), error(-32600), error(-32600)],
  },
  {
    title: "rpc call Batch",
    sent: `[
      {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
      {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
      {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
      {"foo": "boo"},
      {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
      {"jsonrpc": "2.0", "method": "get_data", "id": "9"}
    ]`,
    received: [result(7, "1"), result(19, "2"), error(-32600), error(-32601, "5"), result(["hello", 5], "9")],
  },
  {
    title: "rpc call Batch (all notifications)",
    sent: `[
      {"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]},
      {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}
    ]`,
    received: undefined,
  },
];

/** What the other sections say, and what they leave to the server. */
export const furtherExchanges: readonly Exchange[] = [
  {
    title: "an id of null is a request, not a notification",
    sent: '{"jsonrpc": "2.0", "method": "get_data", "id": null}',
    received: result(["hello", 5], null),
  },
  {
    title: "ids come back as they were: zero, negative, with a fraction, empty",
    sent: `[${["0", "-7", "1.5", '""'].map((id) => `{"jsonrpc":"2.0","method":"get_data","id":${id}}`).join(",")}]`,
    received: [0, -7, 1.5, ""].map((id) => result(["hello", 5], id)),
  },
  ...["true", "[]", "{}"].map((id) => ({
    title: `an id of ${id} is refused`,
    sent: `{"jsonrpc": "2.0", "method": "get_data", "id": ${id}}`,
    received: error(-32600),
  })),
  ...["1", '"1.0"', "2.0", "null"].map((version) => ({
    title: `jsonrpc of ${version} is refused, with the id of the request`,
    sent: `{"jsonrpc": ${version}, "method": "get_data", "id": 8}`,
    received: error(-32600, 8),
  })),
  {
    title: "a request without jsonrpc is refused",
    sent: '{"method": "get_data", "id": 8}',
    received: error(-32600, 8),
  },
  ...["null", "7", '"a"', "true"].map((params) => ({
    title: `params of ${params} are refused: they must be structured`,
    sent: `{"jsonrpc": "2.0", "method": "get_data", "params": ${params}, "id": 8}`,
    received: error(-32600, 8),
  })),
  ...["null", "1", '"a"', "true"].map((text) => ({
    title: `a body of ${text} is JSON and no request`,
    sent: text,
    received: error(-32600),
  })),
  ...["", " ", "{", "nul", "{'a':1}", "\u{feff}{}", "01", '{"a":1,}', '{"a":1,"a":2}', '"\\ud800"'].map(
    (text) => ({
      title: `a body of ${JSON.stringify(text)} is no JSON`,
      sent: text,
      received: error(-32700),
    }),
  ),
  {
    title: "a wrong parameter is -32602",
    sent: '{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": "42", "subtrahend": 23}, "id": 1}',
    received: error(-32602, 1),
  },
  {
    title: "a missing parameter is -32602",
    sent: '{"jsonrpc": "2.0", "method": "subtract", "params": [42], "id": 1}',
    received: error(-32602, 1),
  },
  {
    title: "an unknown parameter is -32602",
    sent: '{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 1, "subtrahend": 2, "x": 3}, "id": 1}',
    received: error(-32602, 1),
  },
  {
    title: "one positional parameter too many is -32602",
    sent: '{"jsonrpc": "2.0", "method": "subtract", "params": [1,2,3], "id": 1}',
    received: error(-32602, 1),
  },
  {
    title: "parameters and members named after parts of the language are just names",
    sent: '{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 1, "subtrahend": 2, "__proto__": 3}, "id": 1}',
    received: error(-32602, 1),
  },
  ...["constructor", "__proto__", "toString", "hasOwnProperty"].map((name) => ({
    title: `a method called ${name} is not there`,
    sent: `{"jsonrpc": "2.0", "method": "${name}", "id": 1}`,
    received: error(-32601, 1),
  })),
  {
    title: "members of a request that nobody knows are ignored",
    sent: '{"jsonrpc": "2.0", "method": "get_data", "id": 1, "trace": "x"}',
    received: result(["hello", 5], 1),
  },
  {
    title: "a notification with wrong parameters is not answered",
    sent: '{"jsonrpc": "2.0", "method": "subtract", "params": [1]}',
    received: undefined,
  },
];
