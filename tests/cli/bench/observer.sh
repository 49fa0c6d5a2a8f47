ptm bench --model $FIX/conv.pt --input_dims 1,3,8,8 --warmup 1 --iter 3 --backend cpu --report_pep true | sed -E 's/[0-9]+\.[0-9]+/N/'
