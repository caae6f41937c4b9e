export function mountHealth(root) {}
