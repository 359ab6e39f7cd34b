// Holds an answer against the box's own description of it (`GET /api/openapi.json`), strictly: every field is there, also
// those that may be null, none is unknown, and each is of its kind. A library for JSON Schema would let a field that may be
// null be left out, and the box never leaves one out.

/** What says nothing of the value. */
const NOTES = ['description', 'example', 'format', 'title', 'default'];
const UNDERSTOOD = [...NOTES, '$ref', 'type', 'properties', 'required', 'items', 'enum', 'oneOf', 'allOf', 'minimum'];

export class Contract {
  #document;

  constructor(document) {
    this.#document = document;
  }

  /** What is wrong with this answer, each with its place; empty: nothing. */
  wrong(method, path, status, value) {
    const found = this.#answer(method, path, status);
    if (typeof found === 'string') return [found];
    const schema = found.content?.['application/json']?.schema;
    if (schema === undefined) return [`${method} ${path} ${status} is described without a body`];
    return this.#against(schema, value, `${method} ${path}`);
  }

  /** Whether the description says that this may be refused so. */
  refuses(method, path, status, code) {
    const found = this.#answer(method, path, status);
    return typeof found !== 'string' && found.description.includes(`\`${code}\``);
  }

  #answer(method, path, status) {
    const template = this.#templateOf(path);
    if (template === undefined) return `${path} is described nowhere`;
    const asked = this.#document.paths[template][method.toLowerCase()];
    return asked?.responses[status] ?? `${method} ${template} is not described to answer ${status}`;
  }

  #templateOf(path) {
    const parts = path.split('/');
    const fits = (template) => {
      const words = template.split('/');
      return words.length === parts.length && words.every((word, i) => word === parts[i] || word.startsWith('{'));
    };
    // The one with the fewest placeholders is meant.
    return Object.keys(this.#document.paths).filter(fits).sort((a, b) => a.split('{').length - b.split('{').length)[0];
  }

  #against(written, value, at) {
    const schema = this.#flat(written);
    if (schema.oneOf) {
      const all = schema.oneOf.map((one) => this.#against(one, value, at));
      // Of those that do not fit, the one that fits best says what is wrong.
      return all.sort((a, b) => a.length - b.length)[0];
    }
    const kinds = [schema.type ?? []].flat();
    if (kinds.length > 0 && !kinds.some((kind) => isOf(kind, value))) return [`${at} is ${JSON.stringify(value)}, not ${kinds.join(' or ')}`];
    if (value === null) return [];
    if (schema.enum && !schema.enum.includes(value)) return [`${at} is ${JSON.stringify(value)}, none of ${schema.enum.join(', ')}`];
    if (typeof value === 'number' && value < schema.minimum) return [`${at} is ${value}, below ${schema.minimum}`];
    if (Array.isArray(value)) return value.flatMap((item, i) => this.#against(schema.items, item, `${at}[${i}]`));
    if (typeof value === 'object') return this.#members(schema.properties, value, at);
    return [];
  }

  #members(properties, value, at) {
    // Anything may be in it: a document of another standard.
    if (properties === undefined) return [];
    const [known, had] = [Object.keys(properties), Object.keys(value)];
    return [
      ...known.filter((name) => !had.includes(name)).map((name) => `${at}.${name} is missing`),
      ...had.filter((name) => !known.includes(name)).map((name) => `${at}.${name} is unknown`),
      ...known.filter((name) => had.includes(name)).flatMap((name) => this.#against(properties[name], value[name], `${at}.${name}`)),
    ];
  }

  /** What a reference means, and the parts of something as one. */
  #flat(schema) {
    const strange = Object.keys(schema).filter((word) => !UNDERSTOOD.includes(word));
    if (strange.length > 0) throw new Error(`a description with ${strange.join(', ')} is not understood here`);
    if (schema.$ref) return this.#flat(this.#document.components.schemas[schema.$ref.split('/').at(-1)]);
    if (!schema.allOf) return schema;
    const parts = schema.allOf.map((part) => this.#flat(part));
    return { type: 'object', properties: Object.assign({}, ...parts.map((part) => part.properties)) };
  }
}

function isOf(kind, value) {
  switch (kind) {
    case 'null': return value === null;
    case 'array': return Array.isArray(value);
    case 'integer': return Number.isInteger(value);
    case 'object': return value !== null && typeof value === 'object' && !Array.isArray(value);
    default: return typeof value === kind;
  }
}
