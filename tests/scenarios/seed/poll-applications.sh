#!/usr/bin/env bash
set -euo pipefail

ARGOCD_SERVER="${ARGOCD_SERVER:-argocd.internal.example.com}"
TOKEN="${ARGOCD_TOKEN:?ARGOCD_TOKEN must be set}"

curl -sSf \
  -H "Authorization: Bearer ${TOKEN}" \
  "https://${ARGOCD_SERVER}/api/v1/applications" \
| jq -r '
  .items[]
  | select(
      .status.sync.status != "Synced"
      or .status.health.status != "Healthy"
    )
  | [.metadata.name, .status.sync.status, .status.health.status]
  | @tsv
' \
| column -t -s $'\t' \
| while IFS= read -r line; do
    echo "DEGRADED: ${line}"
  done
