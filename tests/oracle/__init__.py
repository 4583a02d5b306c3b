"""Brute force: what every published view must hold, worked out from the messages alone.

The oracle shares no code with the pipeline, only its contract and definitions. It is slow, keeps everything in
memory, and follows the definitions word for word: sets of days per user and nested loops over them.

    judgement = judge(messages, catalog, partitions=4)
    oracle = tables(judgement, catalog)
    assert_equal_views(client, oracle)
"""
