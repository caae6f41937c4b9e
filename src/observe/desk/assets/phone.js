export function mountPhone(root) {}
