# numbers become N: what is tested is the shape
ptm bench $FIX/conv.pt -i $FIX/x.npy --backend ref,cpu --threads 1,2 --runs 6 --rounds 2 -w 0 --seed 3 > out.txt
grep -v '^warning' out.txt | tail -n +3 | sed -E 's/[0-9]+(\.[0-9]+)?(e-[0-9]+)?( MB)?/N/g; s/ (avx2|avx512|avxN|neon|c) N %/ ISA N %/; s/  +/ /g'
head -n 1 out.txt | cut -c 1-4
