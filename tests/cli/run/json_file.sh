ptm run $FIX/conv.pt -i $FIX/x.npy --json doc.json -q; grep -v -E "ns|peak" doc.json; ls
