ptm bench $FIX/conv.pt $FIX/scores.pt --input-shape 1,3,8,8 --backend ref --threads 1,2 --runs 3 -w 0 --csv t.csv -q
head -n 1 t.csv; tail -n +2 t.csv | cut -d, -f 1-6; awk -F, '{print NF}' t.csv | sort -u; ls
