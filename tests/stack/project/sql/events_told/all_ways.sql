SELECT id, 'scalar' AS way, spelt.answer AS answer, spelt.reason AS reason FROM told
UNION ALL
SELECT id, 'pandas', CAST(half.answer AS STRING), half.reason FROM told
UNION ALL
SELECT id, 'table', word, reason FROM events LEFT JOIN LATERAL TABLE(counted(id, amount)) AS t(word, reason) ON TRUE
