ptm bench $FIX/conv.pt -i $FIX/x.npy --backend ref --runs 2 -w 0 --markdown - > out.md
head -n 2 out.md; sed -n 3p out.md | tr -cd '|\n'; sed -n 3p out.md | cut -c 1-15
