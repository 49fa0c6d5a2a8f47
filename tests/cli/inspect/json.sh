ptm inspect $FIX/bundled.pt -i @bundled --lint --json - > doc.json && grep -E "schema|\"(nodes|macs|missing_operator_count|bundled_inputs)\"" doc.json
