# a closed file has no program without its passes: ref runs what the file has
ptm optimize $FIX/conv.pt -i $FIX/x.npy --closed -o c.ptm -q &&
    ptm bench c.ptm -i $FIX/x.npy --backend cpu --runs 2 -w 0 --json - -q > c.json && grep -o '"ok":.*true' c.json | tr -d '\t'
