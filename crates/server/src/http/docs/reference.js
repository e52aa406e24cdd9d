// Routes and errors, from the OpenAPI document.

import { curl } from "./call.js";
import { copyable, element, json, paragraphs, signature, words } from "./element.js";

/** Whether a field is there, in a request and in an answer. */
const ASKED = ["required", "optional"];
const GIVEN = ["always", "sometimes"];

/** Every route, by group, in the order of the document. */
export function showRoutes(api, introduction, groups) {
  introduction.append(...paragraphs(api.info.description));
  for (const tag of api.tags) {
    const routes = api["x-routes"].map((route) => route.split(" ")).map(([method, path]) => ({ method, path, told: api.paths[path][method.toLowerCase()] }));
    const own = routes.filter((route) => route.told.tags.includes(tag.name));
    groups.append(element("section", { class: "group" }, element("h2", {}, tag.name), element("p", {}, words(tag.description)), own.map((route) => shown(api, route))));
  }
}

function shown(api, { method, path, told }) {
  const summary = element("summary", {}, signature(method, path), element("span", { class: "says" }, told.summary));
  return element("details", { class: "route", id: told.operationId }, summary, element("div", { class: "inside" }, paragraphs(told.description), need(told), parameters(api, told), body(api, told), example(api, method, path, told), answers(api, told), errors(api, told)));
}

function need(told) {
  const names = told.security.flatMap((choice) => Object.keys(choice));
  const text = {
    accessToken: "Wants an access token: `Authorization: Bearer`.",
    boundAccessToken: "Of a session that is bound to a key: `Authorization: DPoP`, with a proof.",
    refreshToken: "Wants a refresh token: `Authorization: Bearer`, or in the body.",
    resourceServer: "Wants the credential of a resource server: `Authorization: Bearer`, or the password of Basic.",
  };
  return names.filter((name) => text[name]).map((name) => element("p", { class: "need" }, words(text[name])));
}

function parameters(api, told) {
  if (!told.parameters) return [];
  const rows = told.parameters.map((parameter) => resolve(api, parameter)).map(({ name, schema, required, description, in: place }) => field(api, name, { ...resolve(api, schema), description }, `in the ${place}, ${required ? "required" : "optional"}`, ASKED));
  return part("Parameters", element("dl", { class: "fields" }, rows));
}

function body(api, told) {
  if (!told.requestBody) return [];
  const content = told.requestBody.content;
  const [kind] = Object.keys(content);
  const types = Object.keys(content).map((type) => [" ", element("code", {}, type)]);
  return [
    ...part("Body", element("p", { class: "kinds" }, types, told.requestBody.required ? "" : [". ", told.requestBody.description]), fields(api, content[kind].schema, ASKED)),
    json("Example of a body", ordered(api, content[kind].schema, content[kind].example)),
  ];
}

function example(api, method, path, told) {
  const [security] = told.security;
  const kinds = { accessToken: "access", refreshToken: "refresh", resourceServer: "credential" };
  const token = kinds[Object.keys(security ?? {})[0]];
  const content = token === "refresh" ? undefined : told.requestBody?.content["application/json"];
  const sent = content && ordered(api, content.schema, content.example);
  const form = token === "credential" ? told.requestBody?.content["application/x-www-form-urlencoded"].example : undefined;
  const given = path.replace("{id}", "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071").replace("{file}", "app.js");
  return part("With curl", copyable(`the curl line of ${method} ${path}`, curl({ method, path: given, token, body: sent, form })).block);
}

function answers(api, told) {
  const good = Object.entries(told.responses).filter(([status]) => status < "300");
  return good.flatMap(([status, answer]) => {
    const types = Object.entries(answer.content ?? {});
    const content = types[0]?.[1] ?? { schema: {} };
    return [
      ...part(`Answer ${status}`, element("p", {}, words(answer.description), types.map(([type]) => [" ", element("code", {}, type)])), fields(api, content.schema, GIVEN)),
      content.example === undefined ? [] : json(`Example of answer ${status}`, ordered(api, content.schema, content.example)),
    ];
  });
}

function errors(api, told) {
  const codes = Object.values(told.responses).flatMap((answer) => Object.keys(resolve(api, answer).content?.["application/problem+json"]?.examples ?? {}));
  const known = api["x-errors"].filter((error) => codes.includes(error.code)).sort((one, other) => one.status - other.status);
  const row = (error) => element("li", {}, element("span", { class: "status" }, String(error.status)), " ", element("a", { href: `#error-${error.code}` }, element("code", {}, error.code)), element("span", { class: "title" }, words(error.title)));
  return part("Errors", element("ul", { class: "codes" }, known.map(row)));
}

function part(title, ...content) {
  return [element("h3", {}, title), ...content];
}

function fields(api, reference, presence) {
  const { properties = {}, required = [] } = resolve(api, reference);
  const names = inOrder(Object.keys(properties), required);
  const rows = names.map((name) => field(api, name, properties[name], presence[required.includes(name) ? 0 : 1], presence));
  return rows.length === 0 ? [] : element("dl", { class: "fields" }, rows);
}

function field(api, name, reference, note, presence) {
  const schema = resolve(api, reference);
  const type = element("span", { class: "type" }, `${schema.items ? "list" : schema.type}, ${note}`);
  const meaning = [schema.description, limits(schema)].filter(Boolean).join(" ");
  return element("div", {}, element("dt", {}, element("code", {}, name), " ", type), element("dd", {}, words(meaning), fields(api, schema.items ?? schema, presence)));
}

/** The limits of a schema in words. */
function limits(schema) {
  const said = [];
  if (schema.enum) said.push(`One of ${schema.enum.map((value) => `\`${value}\``).join(", ")}.`);
  if (schema.const !== undefined) said.push(`Always \`${schema.const}\`.`);
  if (schema.minLength !== undefined && schema.minLength === schema.maxLength) said.push(`${schema.minLength} characters.`);
  else if (schema.minLength && schema.maxLength) said.push(`${schema.minLength} to ${schema.maxLength} characters.`);
  else if (schema.maxLength) said.push(`At most ${schema.maxLength} characters.`);
  if (schema.default !== undefined) said.push(`Left out: \`${schema.default}\`.`);
  if (schema.format && schema.format !== "password") said.push(`Format \`${schema.format}\`.`);
  return said.join(" ");
}

/** An example with the members first that must be there. */
function ordered(api, reference, example) {
  const { properties, items, required = [] } = resolve(api, reference);
  if (Array.isArray(example)) return example.map((value) => ordered(api, items ?? {}, value));
  if (typeof example !== "object" || !properties) return example;
  return Object.fromEntries(inOrder(Object.keys(example), required).map((name) => [name, ordered(api, properties[name] ?? {}, example[name])]));
}

function inOrder(names, required) {
  return [...required.filter((name) => names.includes(name)), ...names.filter((name) => !required.includes(name))];
}

/** What a reference leads to; what stands beside it counts more. */
function resolve(api, value) {
  if (!value.$ref) return value;
  const found = value.$ref.slice(2).split("/").reduce((at, name) => at[name], api);
  const { $ref, ...own } = value;
  return { ...found, ...own };
}

/** The catalogue of errors. */
export function showCatalogue(api, place) {
  const entry = (error) =>
    element(
      "article",
      { class: "error", id: `error-${error.code}` },
      element("h2", {}, element("span", { class: "status" }, String(error.status)), " ", element("code", {}, error.code)),
      element("p", { class: "title" }, words(error.title)),
      element("p", {}, words(error.meaning)),
      element("p", {}, element("strong", {}, "What to do: "), words(error.remedy)),
    );
  place.append(...api["x-errors"].map(entry));
}
