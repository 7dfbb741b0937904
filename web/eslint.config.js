import tseslint from 'typescript-eslint'
import reactHooks from 'eslint-plugin-react-hooks'

// No file reaches into another feature except through its index, and only graph/ knows the plotting library.
const PLOTTING = { name: 'uplot', message: 'Use <Graph> from @/graph; only that folder knows uPlot.' }

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'public', 'test-results'] },
  ...tseslint.configs.strict,
  ...tseslint.configs.stylistic,
  {
    files: ['**/*.{ts,tsx}'],
    plugins: { 'react-hooks': reactHooks },
    rules: {
      'react-hooks/rules-of-hooks': 'error',
      'react-hooks/exhaustive-deps': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/consistent-type-definitions': ['error', 'interface'],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/unified-signatures': 'off',
      'no-restricted-imports': ['error', { paths: [PLOTTING] }],
      'no-console': 'error',
    },
  },
  { files: ['src/graph/**'], rules: { 'no-restricted-imports': 'off' } },
)
