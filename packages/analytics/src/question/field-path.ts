/** `series[0].where[1].op` of the JSON pointer `/series/0/where/1/op`; '' of the whole. */
export function fieldOf(pointer: string): string {
  let field = '';
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    field = /^\d+$/.test(name) ? `${field}[${name}]` : withField(field, name);
  }
  return field;
}

export function withField(field: string, name: string): string {
  return field === '' ? name : `${field}.${name}`;
}
