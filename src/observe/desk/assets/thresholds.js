export function mountThresholds(root) {}
