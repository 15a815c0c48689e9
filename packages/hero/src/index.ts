/**
 * For people who write actors: the shape of a definition, and two functions that give it types. See
 * docs/heroscript.md, "An actor of your own".
 */
export {
  defineAction,
  defineActor,
  type ActionContext,
  type ActionDefinition,
  type ActionInput,
  type ActorDefinition,
  type Environment,
  type ExecOptions,
  type ExecResult,
  type ParameterDefinition,
  type ParameterDefinitions,
  type ParameterKind,
} from "./actor.ts";
