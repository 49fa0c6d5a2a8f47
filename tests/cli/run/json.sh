ptm run $FIX/state.pt -i [1.0,2.0] --repeat 5 --json - > doc.json; sed -n "/\"session\"/,/}/p" doc.json; grep -c wall_ns doc.json
