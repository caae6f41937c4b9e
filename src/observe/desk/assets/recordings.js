export function mountRecordings(root) {}
