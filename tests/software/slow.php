<?php
// A slow page, whatever signals arrive.
file_put_contents('/out/answer', "begun\n", FILE_APPEND);
while (!file_exists('/out/asked')) usleep(10000);
for ($end = microtime(true) + 3; microtime(true) < $end; usleep(10000));
echo "complete\n";
